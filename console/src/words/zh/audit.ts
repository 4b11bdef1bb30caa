// 审计日志中的名称。
import type { Words } from "../index";

export const audit: Words["audit"] = {
  yes: "是",
  no: "否",
  fields: {
    name: "名称", description: "说明", title: "标题", content: "内容", text: "文字", value: "内容", label: "名称", key: "标识", note: "备注", reason: "原因", url: "网址", source: "来源", status: "状态", kind: "类型", type: "类型", language: "语言", languages: "语言", color: "颜色", category: "分类", version: "版本", versions: "版本", count: "数量",
    is_approved: "已批准", is_active: "启用", is_on: "启用", is_primary: "主要联系人", is_pinned: "已固定", is_default: "默认",
    question: "问题", answer: "答案", use_count: "使用次数", helpful_count: "有帮助次数", file_name: "文件名", file_size: "文件大小", file_type: "文件类型", valid_from: "生效日期", valid_until: "失效日期", every: "抓取周期",
    shortcut: "快捷词", body: "正文", created_by: "创建人",
    stage: "阶段", stages: "阶段", probability: "成交概率", amount: "金额", currency: "币种", actual_close_date: "实际成交日期", expected_close_date: "预计成交日期", loss_reason: "输单原因", products: "产品", competitors: "竞争对手", pipeline: "销售流程", notes: "备注",
    email: "邮箱", phone: "电话", wechat_id: "微信号", dingtalk_id: "钉钉号", avatar_url: "头像", remark: "备注", score: "评分", gender: "性别", age_range: "年龄段", region_province: "省份", region_city: "城市", company_name: "公司", company_industry: "行业", company_size: "公司规模", company_website: "公司网站", company_address: "公司地址", company_credit_code: "统一社会信用代码", company_revenue: "营收", company_revenue_currency: "营收币种", custom_fields: "自定义字段",
    added: "新增", removed: "移除", duplicates: "重复", invalid: "有误", fields: "字段", from: "来自", into: "并入", take: "取用", messages: "消息", merged_into: "并入",
    role: "角色", roles: "角色", permissions: "权限", teams: "团队", members: "成员", team: "团队", has_second_factor: "两步验证", has_identity: "统一登录", requires_second_factor: "要求两步验证", password: "密码", last_sign_in: "上次登录",
    platform: "渠道", config: "配置", settings: "设置", link_domains: "允许的链接域名", asks_satisfaction: "询问满意度", assignment: "分配方式", capacity: "接待上限", hours: "工作时间", routes: "分流规则", sla: "服务时限", keep_files_days: "文件保留天数",
    scopes: "权限", per_minute: "每分钟次数", expires_at: "到期时间", events: "事件", filters: "筛选条件", page: "页面", prompts: "提示词", rules: "规则", max_error_rate: "允许的错误率", priority: "优先级", agent: "客服", holder: "接待方", after_minutes: "等待分钟数", mail_to: "收件人", robot_kind: "机器人类型",
    issuer: "身份提供方", client_id: "客户端", domains: "域名", base_url: "接口地址", chat_model: "对话模型", embedding_model: "向量模型", host: "主机", port: "端口", user: "用户", security: "加密方式",
  },
  resources: { api_key: "API 密钥", assistant: "助手", backup: "备份", canned_reply: "快捷回复", channel: "渠道", conversation: "会话", customer: "客户", customer_import: "客户导入", deal: "商机", document: "文档", erasure: "删除", faq: "常见问答", knowledge_base: "知识库", memory: "记忆", message_template: "消息模板", organization: "组织", pipeline: "销售流程", role: "角色", session: "登录", tag: "标签", team: "团队", user: "人员", view: "视图", webhook: "Webhook" },
  actors: { system: "系统", user: "人员", api_key: "API 密钥", customer: "客户" },
};
